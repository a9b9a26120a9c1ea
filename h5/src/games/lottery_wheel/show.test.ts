import { expect, test } from 'vitest'
import { followed } from './show'

const line = (name: string, prize = 'tea') => ({ name, prize })

test('who was there keeps their key, who came is new', () => {
  const first = followed([line('b'), line('a')], [], 0)
  expect(first.fresh.map(({ name, key }) => [name, key])).toEqual([['b', 2], ['a', 1]])
  const second = followed([line('d'), line('c'), line('b'), line('a')], first.shown, 2)
  expect(second.fresh.map(({ name }) => name)).toEqual(['d', 'c'])
  expect(second.shown.map(({ name, key }) => [name, key])).toEqual([['d', 4], ['c', 3], ['b', 2], ['a', 1]])
  expect(followed([line('d'), line('c'), line('b'), line('a')], second.shown, 4).fresh).toEqual([])
})

test('the same person twice is two winners; who falls off the end is gone', () => {
  const first = followed([line('a'), line('a')], [], 0)
  const second = followed([line('a'), line('a'), line('a')], first.shown, 2)
  expect(second.fresh).toHaveLength(1)
  expect(new Set(second.shown.map(({ key }) => key)).size).toBe(3)
  const third = followed([line('x'), line('a'), line('a')], second.shown, 3)
  expect(third.shown.map(({ name }) => name)).toEqual(['x', 'a', 'a'])
  expect(third.fresh).toHaveLength(1)
})

test('a list without anything known is all new', () => {
  const { shown, fresh } = followed([line('y'), line('x')], [{ ...line('a'), key: 1 }], 1)
  expect(fresh).toHaveLength(2)
  expect(shown).toHaveLength(2)
})
