-- From schema 5 to 6: what the Judge ruled, and by which numbers.
create table rulings (
    id integer primary key,
    experiment integer not null references experiments(id),
    incumbent integer,                       -- null: the certified baseline
    decision text not null,                  -- reject | replicate | keep | quarantine
    reason text not null,
    p_value real,
    gain real,                               -- in units of loss, positive is better; low and high: its 90 % interval
    low real,
    high real,
    alpha real not null,                     -- what it took from the campaign's error probability
    at text not null
);
create index rulings_by_experiment on rulings (experiment);
