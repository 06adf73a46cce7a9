-- From schema 4 to 5: what the author of a proposal expects of it.
create table predictions (
    experiment integer primary key references experiments(id),
    expected real not null,                  -- gain over the best so far, in units of the metric; positive is better
    low real not null,                       -- of the 80 % interval of that gain
    high real not null,
    over real,                               -- the best so far when it was accepted; null: there was none
    model text not null                      -- who was asked: a language model, or rules
);
