import { expect, test } from 'vitest'
import { Refused } from '../../shell/wire'
import type { Query } from './api'
import type { Contestant, ContestantList } from './events'
import { merged, roster } from './roster'

const one = (number: number, votes = 0): Contestant =>
  ({ id: `c000${number}`, number, name: `n${number}`, votes }) as unknown as Contestant
const list = (contestants: Contestant[], next: string | null = null, total = contestants.length): ContestantList =>
  ({ contestants, next, total, order: 'votes' })
const QUERY: Query = { order: 'votes', search: '', group: '', seed: 0 }
const ids = (lines: Contestant[]): number[] => lines.map(({ number }) => number)

/** A roster whose questions are answered by hand, in any order. */
function made() {
  const asked: { query: Query; after: string | null; answer: (told: ContestantList) => Promise<void>; fail: () => Promise<void> }[] = []
  const settle = async (work: () => void): Promise<void> => {
    work()
    await new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(() => queueMicrotask(resolve))))
  }
  const roll = roster(
    (query, _limit, after) =>
      new Promise((resolve, reject) =>
        asked.push({ query, after, answer: (told) => settle(() => resolve(told)), fail: () => settle(() => reject(new Refused('offline'))) }),
      ),
    QUERY,
  )
  return { roll, asked }
}

test('pages follow each other and a contestant stands there once', async () => {
  const { roll, asked } = made()
  void roll.load()
  await asked[0]!.answer(list([one(1), one(2)], 'c0002', 3))
  expect([roll.phase.value, roll.hasMore]).toEqual(['ready', true])
  void roll.grow()
  void roll.grow()
  expect(asked).toHaveLength(2)
  await asked[1]!.answer(list([one(2), one(3)], null, 3))
  expect([ids(roll.lines.value), roll.hasMore]).toEqual([[1, 2, 3], false])
})

test('the answer to an older question is dropped', async () => {
  const { roll, asked } = made()
  void roll.load({ search: 'a' })
  void roll.load({ search: 'ab' })
  await asked[1]!.answer(list([one(2)]))
  await asked[0]!.answer(list([one(1)]))
  expect(ids(roll.lines.value)).toEqual([2])
})

test('a look again changes numbers in place, never the order', async () => {
  const { roll, asked } = made()
  void roll.load()
  await asked[0]!.answer(list([one(1, 9), one(2, 5)]))
  void roll.refresh()
  await asked[1]!.answer(list([one(2, 12), one(1, 9)]))
  expect(roll.lines.value.map(({ number, votes }) => [number, votes])).toEqual([[1, 9], [2, 12]])
  expect(roll.moved.value).toBe(true)
  void roll.load()
  await asked[2]!.answer(list([one(2, 12), one(1, 9)]))
  expect([ids(roll.lines.value), roll.moved.value]).toEqual([[2, 1], false])
})

test('who came or went is told, and not shown before the member asks', () => {
  expect(merged([one(1)], [one(1), one(2)])).toEqual({ lines: [one(1)], moved: true })
  expect(merged([one(1), one(2)], [one(1)]).moved).toBe(true)
  expect(merged([one(1), one(2)], [one(1, 3), one(2)])).toEqual({ lines: [one(1, 3), one(2)], moved: false })
})

test('what fails can be asked for again', async () => {
  const { roll, asked } = made()
  void roll.load()
  await asked[0]!.fail()
  expect(roll.phase.value).toBe('failed')
  void roll.load()
  await asked[1]!.answer(list([one(1)], 'c0001', 2))
  void roll.grow()
  await asked[2]!.fail()
  expect([roll.more.value, ids(roll.lines.value)]).toEqual(['failed', [1]])
})
