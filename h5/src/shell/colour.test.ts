import { expect, test } from 'vitest'
import { contrast, shades } from './colour'

type Rgb = [number, number, number]
const CREAM: Rgb = [255, 246, 228]

test.each(['#d4142c', '#ffe600', '#ffffff', '#000000', '#00b7ff', '#7b2ff2'])(
  'cream text can be read on every shade of %s',
  (accent) => {
    for (const shade of Object.values(shades(accent))) {
      const rgb = (shade.match(/\d+/g) ?? []).map(Number) as Rgb
      expect(contrast(rgb, CREAM), shade).toBeGreaterThanOrEqual(4.5)
    }
  },
)
