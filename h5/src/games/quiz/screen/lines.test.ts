import { expect, test } from 'vitest'
import { teamLines } from '../live/teams'
import { before, lines } from './lines'

test('lines of equal masked names are told apart', () => {
  const shown = lines([{ name: '张*', score: 9, place: 1 }, { name: '张*', score: 8, place: 2, moved: -1 }])
  expect(shown.map((line) => [line.key, line.moved])).toEqual([['张*#0', 0], ['张*#1', -1]])
})

test('the ranking is first shown as it stood before the question', () => {
  const now = lines([
    { name: 'a', score: 9, place: 1, moved: 2 },
    { name: 'b', score: 8, place: 2, moved: -1 },
    { name: 'c', score: 7, place: 3, moved: -1 },
  ])
  expect(before(now).map((line) => line.name)).toEqual(['b', 'c', 'a'])
})

test('teams by score, with the shape of their place in the config', () => {
  const teams = [{ id: 'r', name: 'Reds' }, { id: 'g', name: 'Golds' }, { id: 'b', name: 'Blues' }]
  const shown = teamLines(teams, [{ id: 'r', score: 5, members: 2 }, { id: 'b', score: 9, members: 1 }])
  expect(shown.map(({ name, index, score, members }) => [name, index, score, members])).toEqual([
    ['Blues', 2, 9, 1], ['Reds', 0, 5, 2], ['Golds', 1, 0, 0],
  ])
})
