-- name: moves
select experiment, source, target from moves order by id
-- name: states
select id, state from experiments order by id
-- name: uncharged
-- Responses of language models by conversation, beyond the rows that the ledger has for them.
select coalesce(sum(max(0, r.n - coalesce(l.n, 0))), 0)
from (select conversation, count(*) n from turns where kind = 'response' group by conversation) r
left join (select conversation, count(*) n from ledger group by conversation) l using (conversation)
-- name: negative
select (select count(*) from ledger where min(input_tokens, cached_tokens, cache_write_tokens, output_tokens, coalesce(usd, 0)) < 0)
     + (select count(*) from runs where seconds < 0)
-- name: unended
select count(*) from runs where (status = 'ended') <> (ended <> '') or (status = 'ended' and score_json is null)
