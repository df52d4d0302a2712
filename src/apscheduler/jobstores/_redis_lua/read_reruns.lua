-- ARGV: limit. Returns what waits for its repetition: sizes of key and definition, whether the job exists, its revision,
-- its live claims; key, definition.
local answer = {}
for _, key in ipairs(call('ZRANGE', REPEATS, 0, tonumber(ARGV[1]) - 1)) do
  local definition = call('HGET', RERUNS, key)
  if definition then
    local job = read('>I4c0', key)
    local revision = revision_of(call('HGET', REVISIONS, job)) or 0
    answer[#answer + 1] = pack(
      '>I4I4BdI4', #key, #definition, call('HEXISTS', JOBS, job), revision, live(call('HGET', RUNNING, job))
    )
    answer[#answer + 1] = key
    answer[#answer + 1] = definition
  end
end
return table.concat(answer)
