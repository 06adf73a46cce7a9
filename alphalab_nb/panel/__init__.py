"""The panel: see and steer a campaign in JupyterLab. The only folder that knows widgets; it meets a campaign on its board."""
