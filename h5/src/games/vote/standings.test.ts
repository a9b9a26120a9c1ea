import { expect, test } from 'vitest'
import type { Contestant } from './events'
import { apart, numberIn, placed } from './standings'

test('equal votes stand by number, and movement is told against an earlier order', () => {
  const lines = [{ id: 'c0003', votes: 5 }, { id: 'c0001', votes: 5 }, { id: 'c0002', votes: 10 }]
  expect(placed(lines, numberIn, ['c0001', 'c0002'])).toEqual([
    { id: 'c0002', place: 1, votes: 10, move: 1, part: 1 },
    { id: 'c0001', place: 2, votes: 5, move: -1, part: 0.5 },
    { id: 'c0003', place: 3, votes: 5, move: null, part: 0.5 },
  ])
  expect(placed([{ id: 'c0001', votes: 0 }], numberIn, [])[0]!.part).toBe(0)
})

test('what was received is counted, kept apart or removed', () => {
  const of = (raw: number | null): Contestant => ({ raw, counted: 5, removed: 2 }) as unknown as Contestant
  expect(apart(of(10))).toEqual({ kept: 3, removed: 2 })
  expect(apart(of(null))).toBeNull()
})
