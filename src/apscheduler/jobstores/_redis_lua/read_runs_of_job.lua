-- ARGV: from, to (in the order of run times), statuses (a byte each), limit. Returns the newest records, and from where
-- to go on ('' at the end).
local from, to, limit = ARGV[1], ARGV[2], tonumber(ARGV[4])
local wanted, answer, found = {}, {}, 0
for n = 1, #ARGV[3] do
  wanted[byte(ARGV[3], n)] = true
end
for _ = 1, 5 do -- so that nobody waits long for this script
  local places = call('ZREVRANGEBYLEX', BY_JOB, to, from, 'LIMIT', 0, MANY)
  local ids = {}
  for _, place in ipairs(places) do
    if wanted[byte(place, #place)] and found < limit then
      found = found + 1
      ids[#ids + 1] = sub(place, #place - 8, #place - 1)
      to = '(' .. place
    end
  end
  for n, record in ipairs(read_many('HMGET', RUNS, ids)) do
    if record then
      answer[#answer + 1] = ids[n] .. named(record)
    end
  end
  if found >= limit then
    break
  end
  if #places < MANY then
    to = ''
    break
  end
  to = '(' .. places[#places]
end
return {table.concat(answer), found, to}
