-- Reads claims; put in front of the scripts that are given some.
--
-- Each: id of the job, revision, the one after it, kind (0 remove, 1 move on, 2 move on and redefine), next run time, sizes of the two
-- definitions, size and number of runs; the definitions; then the runs: token, status (0 is running), tail. Columns
-- instead of a table for each claim, because making a table is most of the work then.
local function read_claims(blob)
  local ids, revisions, next_revisions, kinds, times = {}, {}, {}, {}, {}
  local sizes, kept, counts, places = {}, {}, {}, {}
  local n, pos, runs = 0, 1, nil
  while pos <= #blob do
    n = n + 1
    ids[n], revisions[n], next_revisions[n], kinds[n], times[n], sizes[n], kept[n], runs, counts[n], pos =
      read('>I4c0c8c8BdI4I4I4I4', blob, pos)
    places[n] = pos
    pos = pos + sizes[n] + kept[n] + runs
  end
  local claims = {
    blob = blob, revisions = revisions, next_revisions = next_revisions, kinds = kinds, times = times, sizes = sizes, kept = kept, counts = counts,
    places = places,
  }
  return claims, ids
end

-- Return where the runs of the claim begin.
local function runs_at(claims, n)
  return claims.places[n] + claims.sizes[n] + claims.kept[n]
end

-- Return token, status and tail of each run of a claim.
local function runs_of(claims, n)
  local runs, pos = {}, runs_at(claims, n)
  for m = 1, claims.counts[n] do
    local run = {}
    run[1], run[2], run[3], pos = read('>c18BI4c0', claims.blob, pos)
    runs[m] = run
  end
  return runs
end
