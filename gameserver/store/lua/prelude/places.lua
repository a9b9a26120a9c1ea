-- Places: the first of a ranking win.

-- the next `count` of a ranking who may still win, from place `skip`, and how many were read
local function next_winners(lane, ranking, count, skip)
  local first, winners = ranking_of(lane, ranking, count, skip), {}
  load_all(lane, first, 1)
  for _, line in ipairs(first) do
    if not win_refused(lane, lane.records[line[1]]) then winners[#winners + 1] = line[1] end
  end
  return winners, #first
end

-- grants of `prize` to the first of a ranking that is written; `tiers` are {places, points of each}. Who has
-- won as often as the rules allow is passed over
local function place_grants(lane, ranking, prize, tiers)
  local points, grants, skip = {}, {}, 0
  for _, tier in ipairs(tiers) do
    for _ = 1, tier[1] do points[#points + 1] = tier[2] end
  end
  local most, per_day = #points, lane.rule.wins.per_day
  if most == 0 then return grants end
  if per_day then most = min(most, per_day - (lane.day == lane.day_of_wins and lane.day_wins or 0)) end
  local next_unit = stock_of(lane, prize)[2]
  while #grants < most do
    local winners, read = next_winners(lane, ranking, most - #grants, skip)
    if read == 0 then break end
    skip = skip + read
    for _, winner in ipairs(winners) do
      local at = #grants + 1
      grants[at] = { prize, next_unit + at - 1, points[at], lane.epoch, winner }
    end
  end
  return grants
end
