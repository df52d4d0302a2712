-- ARGV: now, limit. Returns the next run time after now, and the jobs that are due (see `new_row`).
local now, limit = ARGV[1], tonumber(ARGV[2])
local found, offset = 0, 0
while found < limit do
  local wanted = math.min(limit - found, MANY)
  local due = call('ZRANGEBYSCORE', TIMES, '-inf', now, 'WITHSCORES', 'LIMIT', offset, wanted)
  if #due == 0 then
    break
  end
  offset = offset + wanted
  local ids = {}
  for n = 1, #due / 2 do
    ids[n] = due[2 * n - 1]
  end
  local definitions = call('HMGET', JOBS, unpack(ids))
  local revisions = call('HMGET', REVISIONS, unpack(ids))
  local running = call('HMGET', RUNNING, unpack(ids))
  for n = 1, #ids do
    if definitions[n] then -- else a run time was left behind by somebody who removed the job
      found = found + 1
      local entries = running[n]
      new_row(ids[n], due[2 * n], revisions[n], entries and live(entries) or 0, definitions[n])
    end
  end
end
local later = call('ZRANGEBYSCORE', TIMES, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answer = all_rows()
table.insert(answer, 1, later[2] or '')
return answer
