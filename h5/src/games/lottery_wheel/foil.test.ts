import { expect, test } from 'vitest'
import { Foil } from './foil'

test('a stroke takes off what it touches, once', () => {
  const foil = new Foil(0.6)
  expect(foil.part).toBe(0)
  foil.scratch(0.5, 0.3, 0.1)
  const once = foil.part
  expect(once).toBeGreaterThan(0.03)
  expect(once).toBeLessThan(0.09)
  foil.scratch(0.5, 0.3, 0.1)
  expect(foil.part).toBe(once)
  foil.scratch(5, 5, 0.1)
  expect(foil.part).toBe(once)
})

test('strokes from edge to edge take all of it off, and a new foil is whole', () => {
  const foil = new Foil(0.6)
  for (let y = 0; y <= 0.6; y += 0.05) for (let x = 0; x <= 1; x += 0.05) foil.scratch(x, y, 0.1)
  expect(foil.part).toBe(1)
  foil.renew()
  expect(foil.part).toBe(0)
})
