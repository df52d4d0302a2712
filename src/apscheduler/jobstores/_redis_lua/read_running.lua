-- ARGV: id of a job, or '' for all. Returns the runs in flight: id of the job, its entries.
local found = {}
if ARGV[1] == '' then
  found = call('HGETALL', RUNNING)
else
  local entries = call('HGET', RUNNING, ARGV[1])
  if entries then
    found = {ARGV[1], entries}
  end
end
for n, text in ipairs(found) do
  found[n] = named(text)
end
return table.concat(found)
