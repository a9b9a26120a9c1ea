-- Purses: points of a member that the ledger holds for plays in this lane. Only rooms whose extra plays cost
-- points (rule.chances.cost_points) have any.
--
-- A purse's lines have sessions of their own, so that a line per (session, ref) stays true:
--   session p<number>.<member>, ref 0 opens it, 1, 2 ... fill it up   fact {'purse', number, fill, amount, until}
--   the same session, ref PURSE_END                                  fact {'purse_closed', number, left}
-- and what a play cost is the last part of its line: spent = {number, amount}.

-- the number of the member's last purse and of its last fill, points left in it, the ms at which it ends
-- (0: it is closed), and plays paid for so far, with all purses
local NUMBER, FILL, LEFT, UNTIL, PAID = 1, 2, 3, 4, 5
local PURSE_END = 1000000
local NEEDED = 'purse_needed' -- for the node alone: no page is ever told so

local function purse_in(packed) return packed and unpack_one(packed) or { 0, 0, 0, 0, 0 } end

-- those of a tick's members in one call
local function load_purses(lane, members)
  if #members == 0 then return end
  local found = redis.call('HMGET', lane.tag .. ':purse', unpack(members))
  for i, member in ipairs(members) do lane.purses[member] = purse_in(found[i]) end
end

local function purse_of(lane, member)
  local purse = lane.purses[member]
  if not purse then
    purse = purse_in(redis.call('HGET', lane.tag .. ':purse', member))
    lane.purses[member] = purse
  end
  return purse
end

-- of a new purse, or of the one that is open
local function apply_fill(lane, member, number, fill, amount, ends)
  local purse = purse_of(lane, member)
  local before = number == purse[NUMBER] and purse[LEFT] or 0
  purse[NUMBER], purse[FILL], purse[LEFT], purse[UNTIL] = number, fill, before + amount, ends
  lane.filled[member] = true
end

local function apply_end(lane, member)
  local purse = purse_of(lane, member)
  purse[LEFT], purse[UNTIL] = 0, 0
  lane.filled[member] = true
end

local function apply_spent(lane, member, amount)
  local purse = purse_of(lane, member)
  purse[LEFT], purse[PAID] = purse[LEFT] - amount, purse[PAID] + amount / lane.rule.chances.cost_points
  lane.filled[member] = true
end

local function purse_line(lane, member, number, ref, fact)
  local session = 'p' .. number .. '.' .. member
  lane.lines[#lane.lines + 1] = pack({ session, ref, member, lane.now, lane.day, false, fact, {} })
end

local function end_purse(lane, member)
  local purse = purse_of(lane, member)
  if purse[UNTIL] == 0 then return end
  purse_line(lane, member, purse[NUMBER], PURSE_END, { 'purse_closed', purse[NUMBER], purse[LEFT] })
  apply_end(lane, member)
end

-- fill_purse: number, fill, amount, until; as the ledger has granted it. What is known already, and what
-- comes for a purse that has ended meanwhile, changes nothing: the ledger takes that back with the purse
local function fill_purse(lane, c, b)
  local member, number, fill, amount, ends = c[b + 1], c[b + 6], c[b + 7], c[b + 8], c[b + 9]
  local purse = purse_of(lane, member)
  local opens = fill == 0 and number > purse[NUMBER]
  if opens or (number == purse[NUMBER] and fill == purse[FILL] + 1 and purse[UNTIL] > 0) then
    if opens then end_purse(lane, member) end
    apply_fill(lane, member, number, fill, amount, ends)
    purse_line(lane, member, number, fill, { 'purse', number, fill, amount, ends })
    if lane.state == 'closed' then end_purse(lane, member) end
  end
  return pack({ 1, purse, {} })
end

-- close_purse: number
local function close_purse(lane, c, b)
  if purse_of(lane, c[b + 1])[NUMBER] == c[b + 6] then end_purse(lane, c[b + 1]) end
  return pack({ 1, false, {} })
end
