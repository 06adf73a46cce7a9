-- The memory of one campaign. Times are UTC ISO text; JSON columns end in _json.
create table experiments (
    id integer primary key,
    name text not null unique,
    family text not null,
    hypothesis text not null,
    config_json text not null,
    brief text not null,
    parent integer references experiments(id),
    stage text not null,
    fidelity text not null,
    priority integer not null,
    pinned integer not null default 0,
    author text not null,
    state text not null,
    outcome text,
    verdict text not null default '',
    quarantined integer not null default 0,
    fixes integer not null default 0,
    error text not null default '',
    created text not null,
    moved text not null
);
create table predictions (
    experiment integer primary key references experiments(id),
    expected real not null,                  -- gain over the best so far, in units of the metric; positive is better
    low real not null,                       -- of the 80 % interval of that gain
    high real not null,
    over real,                               -- the best so far when it was accepted; null: there was none
    model text not null                      -- who was asked: a language model, or rules
);
create table moves (
    id integer primary key,
    experiment integer not null references experiments(id),
    source text,
    target text not null,
    actor text not null,
    reason text not null,
    at text not null
);
create table attempts (
    id integer primary key,
    experiment integer not null references experiments(id),
    number integer not null,
    code text not null,          -- commit in the workspace's git
    ast_hash text not null,
    created text not null,
    unique (experiment, number)
);
create index attempts_by_ast on attempts (ast_hash);
create table runs (
    id integer primary key,
    experiment integer not null references experiments(id),
    attempt integer not null references attempts(id),
    kind text not null,
    partition text not null,
    seed integer not null,
    fidelity text not null,
    status text not null,
    started text not null default '',
    ended text not null default '',
    seconds real not null default 0,
    score_json text,
    units_json text                          -- the score's units apart: they may be many, and few readers want them
);
create index runs_by_experiment on runs (experiment);
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
create table commands (
    id integer primary key,
    verb text not null,
    args_json text not null,
    actor text not null,
    at text not null,
    state text not null default 'pending',   -- pending | applied | refused
    result text not null default '',
    settled text not null default ''
);
create table notes (
    id integer primary key,
    author text not null,
    text text not null,
    experiment integer,
    at text not null
);
create table events (
    id integer primary key,
    kind text not null,
    role text not null,
    experiment integer,
    text text not null,
    at text not null
);
create table steps (
    phase text not null,
    name text not null,
    status text not null,        -- started | finished | failed
    result_json text,
    seconds real not null default 0,
    at text not null,
    primary key (phase, name)
);
create table facts (
    key text primary key,
    value_json text not null
);
create table playbook (
    entry integer not null,
    version integer not null,
    claim text not null,
    kind text not null,          -- works | fails | avoid | insight
    evidence_json text not null,
    author text not null,
    human integer not null,
    status text not null,        -- active | retired
    at text not null,
    primary key (entry, version)
);
create table conversations (
    id integer primary key,
    key text not null unique,                -- names the task: a step that is run again finds its conversation by it
    role text not null,
    model text not null,
    instructions text not null default '',   -- the system prompt, once; requests are stored without it
    created text not null,
    ended text not null default ''
);
create table turns (
    id integer primary key,
    conversation integer not null references conversations(id),
    kind text not null,                      -- request | response | result (of one tool call) | note | compaction
    body_json text not null,                 -- only what is new; images are files named by their hash
    at text not null
);
create index turns_by_conversation on turns (conversation);
create table questions (
    id integer primary key,
    role text not null,
    experiment integer,
    question text not null,
    options_json text not null,
    default_answer text not null,
    deadline text not null,
    at text not null,
    answer text,
    answered_by text not null default ''     -- a person, or `default` when nobody answered in time
);
create table patches (
    id integer primary key,
    author text not null,
    file text not null,
    reason text not null,
    diff text not null,
    before text not null,                    -- commits in the workspace's git
    after text not null,
    at text not null,
    reverted_by text not null default ''
);
create table ledger (
    id integer primary key,
    conversation integer references conversations(id),
    phase text not null,
    role text not null,
    experiment integer,
    attempt integer,
    provider text not null,
    model text not null,
    base_url text not null default '',
    input_tokens integer not null default 0,
    cached_tokens integer not null default 0,
    cache_write_tokens integer not null default 0,
    output_tokens integer not null default 0,
    usd real,                                -- null: no price is known for the model
    usage_missing integer not null default 0,
    tries integer not null default 1,
    seconds real not null default 0,
    at text not null
);
-- What a card of the board shows has changed: readers take the cards that are newer than what they hold.
create table card_revs (
    experiment integer primary key,
    rev integer not null
);
create index card_revs_by_rev on card_revs (rev);
create trigger card_of_new_experiment after insert on experiments begin
    insert or replace into card_revs values (new.id, (select coalesce(max(rev), 0) + 1 from card_revs));
end;
create trigger card_of_changed_experiment after update on experiments begin
    insert or replace into card_revs values (new.id, (select coalesce(max(rev), 0) + 1 from card_revs));
end;
create trigger card_of_new_attempt after insert on attempts begin
    insert or replace into card_revs values (new.experiment, (select coalesce(max(rev), 0) + 1 from card_revs));
end;
create trigger card_of_new_run after insert on runs begin
    insert or replace into card_revs values (new.experiment, (select coalesce(max(rev), 0) + 1 from card_revs));
end;
create trigger card_of_changed_run after update on runs begin
    insert or replace into card_revs values (new.experiment, (select coalesce(max(rev), 0) + 1 from card_revs));
end;
