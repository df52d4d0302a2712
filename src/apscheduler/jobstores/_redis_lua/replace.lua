-- ARGV: channel, sender, id, revision, next run time ('' for none), definition. Returns '1' where it was written.
local done = call('GET', DONE)
if done then
  return done
end
local id, revision, time = ARGV[3], tonumber(ARGV[4]), ARGV[5]
local current = revision_of(call('HGET', REVISIONS, id))
if call('HEXISTS', JOBS, id) == 0 or (current or 0) ~= revision then
  return '0'
end
call('HSET', REVISIONS, id, pack('>I8', (current or floor_now()) + 1))
call('HSET', JOBS, id, ARGV[6])
if time == '' then
  call('ZREM', TIMES, id)
else
  call('ZADD', TIMES, time, id)
  tell(ARGV[1], ARGV[2])
end
return remember('1')
