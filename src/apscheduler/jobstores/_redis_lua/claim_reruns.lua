-- ARGV: node, repetitions. Each: id of the job, token, token of the repetition, whether the job exists, its revision.
-- Returns for each whether it is won: '1' or '0'.
local node, blob, pos, answer = owned(ARGV[1]), ARGV[2], 1, {}
local job, token, again, exists, revision
while pos <= #blob do
  job, token, again, exists, revision, pos = read('>I4c0c18c18Bd', blob, pos)
  local key, entries = named(job) .. token, call('HGET', RUNNING, job)
  local stored = call('HEXISTS', JOBS, job)
  local current = revision_of(call('HGET', REVISIONS, job))
  local won = false
  local first, last = find(entries, again)
  if first then
    local _, _, owner = parts(entries, first, last)
    won = owner == node
  elseif stored == exists and (stored == 0 or (current or 0) == revision) and call('ZSCORE', REPEATS, key) then
    won = true
    call('HSET', RUNNING, job, usable(entries) .. new_entry(again, new_ids(1)(), false, node))
    call('HDEL', RERUNS, key)
    call('ZREM', REPEATS, key)
    if stored == 1 then
      call('HSET', REVISIONS, job, pack('>I8', (current or floor_now()) + 1))
    end
  end
  answer[#answer + 1] = won and '1' or '0'
end
return table.concat(answer)
