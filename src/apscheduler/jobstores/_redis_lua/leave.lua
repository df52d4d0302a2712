-- ARGV: any number of id, revision, definition. Writes definitions over those of jobs that have not changed since.
for n = 1, #ARGV, 3 do
  local id = ARGV[n]
  local current = revision_of(call('HGET', REVISIONS, id))
  if current == tonumber(ARGV[n + 1]) and call('HEXISTS', JOBS, id) == 1 then
    call('HSET', JOBS, id, ARGV[n + 2])
  end
end
