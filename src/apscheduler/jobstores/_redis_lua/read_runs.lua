-- ARGV: statuses (a byte each), since, until, offset in each status, limit. Returns the newest records: id, size, record.
local newest, offset, limit = {}, tonumber(ARGV[4]), tonumber(ARGV[5])
for n = 1, #ARGV[1] do
  local key = KEYS[STATUS + byte(ARGV[1], n)]
  local found = call('ZREVRANGEBYSCORE', key, ARGV[3], ARGV[2], 'WITHSCORES', 'LIMIT', offset, limit)
  for m = 1, #found, 2 do
    newest[#newest + 1] = {tonumber(found[m + 1]), found[m]}
  end
end
if #ARGV[1] > 1 then
  table.sort(newest, function(a, b)
    if a[1] ~= b[1] then
      return a[1] > b[1]
    end
    return a[2] > b[2]
  end)
end
local ids, answer = {}, {}
for n = 1, math.min(#newest, limit) do
  ids[n] = newest[n][2]
end
for n, record in ipairs(read_many('HMGET', RUNS, ids)) do
  if record then
    answer[#answer + 1] = ids[n] .. named(record)
  end
end
return {table.concat(answer), #newest}
