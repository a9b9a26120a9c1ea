-- Applying a line: the only code that changes state.

-- the packed result of an executed command; `body` and `grants` are packed, `play` is what `play_told` told
local function result_with(body, grants, play)
  if not play then return '\147\1' .. body .. grants end
  return '\148\1' .. body .. grants .. pack(play)
end

local function result_of(body, grants, member, play)
  if not grants then return result_with(body, '\144', play) end
  local own, count = '', 0
  for i = 1, #grants do
    local grant = grants[i]
    if grant[5] == member then
      own = own .. '\148' .. pack(grant[1], grant[2], grant[3], grant[4])
      count = count + 1
    end
  end
  return result_with(body, array(count) .. own, play)
end

-- plays given to one who had not come in yet
local function take_gifts(lane, me, member)
  local key = lane.tag .. ':gifts'
  local count = redis.call('HGET', key, member)
  if not count then return end
  redis.call('HDEL', key, member)
  add_gifts(notes_of(me), tonumber(count))
end

local function apply_join(lane, id, at, member, name)
  local me = member_of(lane, member)
  if not me then
    me = nobody()
    notes_of(me)[JOINED] = at
    lane.records[member] = me
    if member ~= HOST then lane.fresh = lane.fresh + 1 end
    if lane.rule.counts_chances then take_gifts(lane, me, member) end
  end
  notes_of(me)[NAME] = name
  local open, count, place, oldest, after = me[OPEN], 0, 1
  while place <= #open do
    local known, _, _, length, first = get(SESSION, open, place)
    if not oldest and known ~= STAFF then oldest, after = place, first + length end
    count, place = count + 1, first + length
  end
  if count == SESSIONS then open = sub(open, 1, oldest - 1) .. sub(open, after) end
  me[OPEN] = open .. put(SESSION, #id, id, 0, 0, 0)
  lane.sessions = max(lane.sessions, tonumber(string.match(id, '%d+$')))
  lane.changed[member] = true
end

-- loads the members at `place` of each line in one call
local function load_all(lane, lines, place)
  local members = {}
  for _, line in ipairs(lines) do
    if lane.records[line[place]] == nil then members[#members + 1] = line[place] end
  end
  load(lane, members)
end

-- wins and points where they are limited, units of counted prizes, and what the clock gave
local function note_grant(lane, me, at, day, grant, id, ref, member)
  local notes = notes_of(me)
  if lane.rule.points_caps and day > 0 then
    local earned = earned_on(notes, day)
    for period = 2, 4 do earned[period] = earned[period] + grant[3] end
    notes[EARNED] = earned
  end
  local prize = lane.rule.prizes[grant[1]]
  if prize and prize.chances then
    add_gifts(notes, prize.chances)
    if lane.acting and grant[5] == member then lane.acting[4] = true end
  end
  if lane.rule.limits_wins then notes[WINS], notes[WON_AT] = notes[WINS] + 1, at end
  if lane.rule.counted[grant[1]] then notes[OWNED][grant[1]] = (notes[OWNED][grant[1]] or 0) + 1 end
  if grant[5] ~= member then
    local given = notes[GIVEN]
    if #given == ANSWERS then table.remove(given, 1) end
    given[#given + 1] = { grant[1], grant[2], grant[3], grant[4], id, ref }
    lane.changed[grant[5]] = true
  end
end

local function apply_grants(lane, id, ref, member, at, day, grants)
  if id == CLOCK or member == HOST then load_all(lane, grants, 5) end
  local rule = lane.rule
  for i = 1, #grants do
    local grant = grants[i]
    local prize, unit = grant[1], grant[2]
    local stock, me = stock_of(lane, prize), lane.records[grant[5]]
    stock[1] = stock[1] + 1
    if unit >= stock[2] then stock[2] = unit + 1 end
    local listed = rule.prizes[prize]
    if listed and listed.per_day then
      stock[4], stock[5] = day, (stock[4] == day and stock[5] or 0) + 1
    end
    if rule.limits_wins or rule.points_caps or grant[5] ~= member or rule.counted[prize] then
      note_grant(lane, me, at, day, grant, id, ref, member)
    end
    if rule.wins.per_day then
      if lane.day_of_wins ~= day then lane.day_of_wins, lane.day_wins = day, 0 end
      lane.day_wins = lane.day_wins + 1
    end
  end
end

-- extra plays, told by staff or an outside event (ORDERS)
local function apply_gift(lane, _, member, count)
  local me = member_of(lane, member)
  if me then
    add_gifts(notes_of(me), count)
    lane.changed[member] = true
    lane.gifted[#lane.gifted + 1] = member
  else
    redis.call('HINCRBY', lane.tag .. ':gifts', member, count)
  end
end

local SHARED = { gift = apply_gift } -- facts that are no game's

-- the only place where a line changes a member; the fact's places come last. Returns what `play_told` tells
-- where it began a play, or won some, in a room that counts plays
local function apply(lane, me, id, ref, member, at, day, grants, spent, extra, ...)
  local rule = lane.rule
  if id ~= CLOCK then
    local tat = me[TAT]
    me[TAT] = (tat > at and tat or at) + rule.gcra.interval
  end
  local acting = rule.counts_chances and { member, spent and spent[2] / rule.chances.cost_points or 0, 0 }
  lane.acting = acting
  if grants then apply_grants(lane, id, ref, member, at, day, grants) end
  local shared = SHARED[...]
  if shared then shared(lane, ...) else game.apply(lane, me, member, at, day, grants, extra, ...) end
  lane.changed[member] = true
  if spent then apply_spent(lane, member, spent[2]) end
  if acting and (acting[3] > 0 or acting[4]) then return play_told(lane, me, member, day, spent and spent[2] or 0) end
end
