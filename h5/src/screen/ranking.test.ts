import { expect, test } from 'vitest'
import { gains, ranked } from './ranking'

const first = ranked([{ name: '李**', sum: 90 }, { name: 'A**y', sum: 80 }, { name: 'A**y', sum: 70 }], [])

test('a first look has nobody who moved', () => {
  expect(first.map((line) => [line.key, line.rank, line.move])).toEqual([
    ['李**#0', 1, null],
    ['A**y#0', 2, null],
    ['A**y#1', 3, null],
  ])
})

test('movement is places gained since the look before', () => {
  const now = ranked([{ name: 'A**y', sum: 120 }, { name: '李**', sum: 90 }, { name: '王**', sum: 75 }], first)
  expect(now.map((line) => line.move)).toEqual([1, -1, null])
  expect(gains(now, first)).toEqual([{ name: 'A**y', sum: 40 }, { name: '王**', sum: 75 }])
})
