import { effectScope, shallowRef } from 'vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { GameContext } from '../../shell/game'
import { Refused, type Room, type ServerEvent, type Snapshot } from '../../shell/wire'
import type { Ballots, Picture, Play } from './events'
import { voteModel } from './model'

const NOON = Date.UTC(2026, 10, 22, 4) // in Shanghai
const HOUR = 3_600_000
const BALLOTS: Ballots = { per_day: 3, total: null, per_contestant_per_day: 2, choose_min: 1, choose_max: 1 }
const PICTURE: Picture = { today: { c0001: 1 }, left_today: 2, left_total: null, voted: true, votes: { c0001: 10, c0002: 7 }, voting_opens_at: null, closes_at: NOON + 48 * HOUR }

let stop = (): void => undefined
beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  stop()
  vi.useRealTimers()
})

/** A model on a context whose commands are answered by hand. */
function made(play: Partial<Play> = {}, picture: Partial<Picture> = {}) {
  let now = NOON
  const listeners = new Set<(event: ServerEvent) => void>()
  const sent: { choices: string[]; resolve: () => void; reject: (why: Refused) => void }[] = []
  const whole: Play = { ballots: BALLOTS, weights: [], results: 'always', signup: null, voting_opens_at: null, groups: [], votes_per_minute: null, ...play }
  const snapshot = shallowRef({ game: { ...PICTURE, ...picture } } as unknown as Snapshot<Picture>)
  const context = {
    room: shallowRef({ play: whole, timezone: 'Asia/Shanghai' } as unknown as Room<Play>), snapshot, now: () => now,
    command: (_op: string, { choices }: { choices: string[] }) =>
      new Promise<void>((resolve, reject) => sent.push({ choices, resolve, reject })),
    onEvent: (listener: (event: ServerEvent) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } as unknown as GameContext<Play, Picture>
  const scope = effectScope()
  stop = () => scope.stop()
  const model = scope.run(() => voteModel(context))!
  const says = (event: object): void => listeners.forEach((listener) => listener(event as ServerEvent))
  const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
  async function takes(fields: object): Promise<void> {
    const { choices, resolve } = sent.shift()!
    resolve()
    says({ ev: 'voted', re: 2, choices, weight: 1, ...fields })
    await settled()
  }
  async function refuses(code: string): Promise<void> {
    sent.shift()!.reject(new Refused(code))
    await settled()
  }
  const pass = async (ms: number): Promise<void> => {
    now += ms
    await vi.advanceTimersByTimeAsync(600)
  }
  const welcome = (game: Partial<Picture>): unknown => (snapshot.value = { game: { ...PICTURE, ...game } } as unknown as Snapshot<Picture>)
  return { model, sent, says, takes, refuses, pass, welcome }
}

test('a tap counts at once, and the answer leaves it so', async () => {
  const { model, takes } = made()
  void model.cast(['c0002'])
  expect([model.votesOf('c0002'), model.mineOf('c0002'), model.left.value.today]).toEqual([8, 1, 1])
  await takes({ left_today: 1, votes: { c0002: 9 } })
  expect([model.votesOf('c0002'), model.mineOf('c0002'), model.left.value.today]).toEqual([9, 1, 1])
  expect(model.thanks.value?.choices).toEqual(['c0002'])
})

test('what is refused is taken back, and why is told', async () => {
  const { model, refuses } = made()
  void model.cast(['c0001'])
  expect([model.votesOf('c0001'), model.left.value.today]).toEqual([11, 1])
  await refuses('rate_limited')
  expect([model.votesOf('c0001'), model.mineOf('c0001'), model.left.value.today]).toEqual([10, 1, 2])
  expect(model.refusal.value).toEqual({ code: 'rate_limited', choices: ['c0001'] })
})

test('limits hold with ballots on their way counted, before anything is sent', () => {
  const { model, sent } = made()
  void model.cast(['c0001'])
  expect(model.full('c0001')).toBe(true)
  void model.cast(['c0001'])
  expect(model.refusal.value?.code).toBe('contestant_limit')
  void model.cast(['c0002'])
  expect(model.usedUp.value).toBe(true)
  void model.cast(['c0003'])
  expect(model.refusal.value?.code).toBe('ballot_limit')
  expect(sent).toHaveLength(2)
})

test('a ballot of several is filled in within its bounds, and comes back if it is refused', async () => {
  const { model, sent, refuses } = made({ ballots: { ...BALLOTS, choose_min: 2, choose_max: 2 } })
  model.toggle('c0002')
  void model.cast(model.picked.value)
  expect([model.refusal.value?.code, sent.length]).toEqual(['too_few_choices', 0])
  model.toggle('c0003')
  model.toggle('c0004')
  expect([model.refusal.value?.code, model.picked.value]).toEqual(['too_many_choices', ['c0002', 'c0003']])
  void model.cast(model.picked.value)
  expect(model.picked.value).toEqual([])
  await refuses('paused')
  expect(model.picked.value).toEqual(['c0002', 'c0003'])
})

test('votes of a contestant under review do not rise with a tap', () => {
  const { model, says } = made()
  says({ ev: 'tally', joined: 1, ballots: 1, votes: 17, top: [{ id: 'c0002', votes: 8 }], under_review: ['c0002'], contestants: 3 })
  void model.cast(['c0002'])
  expect(model.votesOf('c0002')).toBe(8)
  expect(model.mineOf('c0002')).toBe(1)
})

test('an older report never takes votes back', () => {
  const { model, says } = made()
  model.learn([['c0001', 12]])
  says({ ev: 'tally', joined: 1, ballots: 1, votes: 18, top: [{ id: 'c0001', votes: 11 }], under_review: [], contestants: 3 })
  expect(model.votesOf('c0001')).toBe(12)
})

test('an answer that a reconnect repeats is counted once', async () => {
  const { model, takes, welcome } = made()
  void model.cast(['c0002'])
  welcome({ today: { c0001: 1, c0002: 1 }, left_today: 1 })
  await takes({ left_today: 1, votes: { c0002: 8 } })
  expect([model.mineOf('c0002'), model.left.value.today]).toEqual([1, 1])
})

test('results show as the room says', async () => {
  const after = made({ results: 'after_voting' }, { voted: false, votes: null, today: {} })
  expect(after.model.shows.value).toBe(false)
  void after.model.cast(['c0001'])
  expect(after.model.votesOf('c0001')).toBeNull()
  await after.takes({ left_today: 1, votes: { c0001: 3 } })
  expect([after.model.shows.value, after.model.votesOf('c0001')]).toEqual([true, 3])
  stop()
  const end = made({ results: 'at_end' }, { votes: null })
  expect(end.model.shows.value).toBe(false)
  await end.pass(48 * HOUR)
  expect([end.model.windows.value.voting, end.model.shows.value]).toEqual(['over', true])
})

test('limits of a day begin anew at midnight in the room’s timezone', async () => {
  const { model, pass } = made({}, { left_today: 0, today: { c0001: 2 } })
  expect([model.usedUp.value, model.full('c0001')]).toEqual([true, true])
  await pass(11 * HOUR)
  expect(model.usedUp.value).toBe(true)
  await pass(1 * HOUR)
  expect([model.left.value.today, model.usedUp.value, model.full('c0001')]).toEqual([3, false, false])
})
