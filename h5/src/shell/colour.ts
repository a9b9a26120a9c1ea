/** Shades of a room's accent that keep light text readable on them, whatever staff chose. */
type Rgb = [number, number, number]

const TEXT: Rgb = [255, 244, 224]
const CONTRAST = 6.2 // so that 4.5 is left on the brighter glow behind it

function parse(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

function mix(a: Rgb, b: Rgb, part: number): Rgb {
  return a.map((channel, i) => Math.round(channel + (b[i]! - channel) * part)) as Rgb
}

function css(rgb: Rgb): string {
  return `rgb(${rgb.join(', ')})`
}

/** Relative luminance, WCAG 2.2. */
function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((channel) => {
    const part = channel / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as Rgb
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

export function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

/** CSS variables for one accent (#rrggbb). */
export function shades(accent: string): Record<string, string> {
  let main = parse(accent)
  while (contrast(main, TEXT) < CONTRAST) main = mix(main, [0, 0, 0], 0.08)
  return {
    '--accent': css(main),
    '--accent-bright': css(mix(main, [255, 120, 60], 0.2)),
    '--accent-deep': css(mix(main, [20, 0, 8], 0.42)),
    '--accent-night': css(mix(main, [16, 0, 8], 0.74)),
  }
}

export function dress(accent: string): void {
  for (const [name, value] of Object.entries(shades(accent))) document.documentElement.style.setProperty(name, value)
}
