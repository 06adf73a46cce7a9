"""What runs inside the candidate's process. It knows no expected values, keeps no clock and reports no score: the lab outside does."""
