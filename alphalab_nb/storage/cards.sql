-- Cards of the board that have changed since :after, in the order of panel cards; one row per experiment.
-- The score is that of the ranking: the mean of the full search runs of the newest attempt that has one.
with
changed as (select experiment from card_revs where rev > :after),
measured as (
    select r.id, r.experiment, r.attempt, r.fidelity, r.ended,
           json_extract(r.score_json, '$.value') as value, json_extract(r.score_json, '$.resources.cpu_s') as cpu, substr(json_extract(r.score_json, '$.harness'), 1, 12) as harness
    from runs r join changed using (experiment)
    where r.status = 'ended' and r.partition = 'search' and r.kind not in ('verify', 'matched') and r.score_json is not null
      and json_extract(r.score_json, '$.ok') and json_extract(r.score_json, '$.value') is not null
),
newest as (
    select m.experiment, m.attempt, m.harness from measured m
    where m.fidelity = 'full' and m.id = (select max(id) from measured n where n.experiment = m.experiment and n.fidelity = 'full')
),
scored as (
    select m.experiment, m.attempt, avg(m.value) as score, avg(m.cpu) as cpu, count(*) as n, max(m.harness) as evaluator, max(m.ended) as at,
           case when count(*) > 1 then sqrt(max(0, (sum(m.value * m.value) - sum(m.value) * sum(m.value) / count(*)) / (count(*) - 1))) end as sd
    from measured m join newest w on w.experiment = m.experiment and w.attempt = m.attempt and w.harness is m.harness
    where m.fidelity = 'full'
    group by m.experiment
),
made as (
    select r.attempt, avg(json_extract(r.score_json, '$.resources.run_cpu_s')) as cpu
    from runs r join changed using (experiment) where r.status = 'ended' and r.fidelity = 'full' and r.kind <> 'matched' group by r.attempt
),
smoked as (
    select experiment, value from measured m
    where fidelity = 'smoke' and id = (select max(id) from measured n where n.experiment = m.experiment and n.fidelity = 'smoke')
),
spent as (
    select r.experiment, sum(r.seconds) as seconds, max(case when r.status = 'started' then r.id end) as job
    from runs r join changed using (experiment) group by r.experiment
),
tried as (select a.experiment, max(a.number) as number from attempts a join changed using (experiment) group by a.experiment)
select e.id, e.name, e.family, substr(e.hypothesis, 1, 120), e.state, e.outcome, e.verdict, e.quarantined, e.pinned, e.priority, e.fidelity,
       e.parent, e.author, e.fixes, coalesce(tried.number, 0), e.moved,
       scored.score, coalesce(scored.n, 0), scored.sd, smoked.value, round(coalesce(spent.seconds, 0), 1), scored.evaluator, scored.at, spent.job,
       e.stage, round(made.cpu + scored.cpu, 3)
from changed
join experiments e on e.id = changed.experiment
left join scored on scored.experiment = e.id
left join made on made.attempt = scored.attempt
left join smoked on smoked.experiment = e.id
left join spent on spent.experiment = e.id
left join tried on tried.experiment = e.id
order by e.id
