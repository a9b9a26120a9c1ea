import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Drop, rain } from './rain'
import vectors from './rain.vectors.json'

const row = (drop: Drop): number[] => [drop.id, drop.spawn, drop.end, Number(drop.bomb), drop.column, drop.look]

test.each(vectors)('rain of $drops drops with $bombs bombs in $duration ms is the server\'s', (vector) => {
  const drops = rain(vector.key, vector.duration, vector.drops, vector.bombs)
  expect(drops).toHaveLength(vector.drops)
  expect(vector.sample.map(([id = 0]) => row(drops[id]!))).toEqual(vector.sample)
  const all = drops.map((drop) => row(drop).join(',')).join('\n')
  expect(createHash('sha256').update(all).digest('hex')).toBe(vector.sha256)
})
