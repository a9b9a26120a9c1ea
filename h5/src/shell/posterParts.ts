import { modules } from './qr'

export const WIDTH = 750
export const HEIGHT = 1160
export const FONT = 'system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif'

export function canvas(): HTMLCanvasElement {
  const made = document.createElement('canvas')
  made.width = WIDTH
  made.height = HEIGHT
  return made
}

export function brushOf(of: HTMLCanvasElement): CanvasRenderingContext2D {
  const brush = of.getContext('2d')
  if (!brush) throw new Error('no canvas')
  brush.textBaseline = 'middle'
  return brush
}

/** The accent's glow with rays around `y`, and a golden line along the edge. */
export function background(brush: CanvasRenderingContext2D, shade: Record<string, string>, y: number): void {
  const glow = brush.createRadialGradient(WIDTH / 2, y, 40, WIDTH / 2, y, 860)
  glow.addColorStop(0, shade['--accent-bright']!)
  glow.addColorStop(0.5, shade['--accent']!)
  glow.addColorStop(1, shade['--accent-deep']!)
  brush.fillStyle = glow
  brush.fillRect(0, 0, WIDTH, HEIGHT)
  brush.fillStyle = 'rgba(255, 214, 140, 0.1)'
  for (let ray = 0; ray < 24; ray++) {
    brush.beginPath()
    brush.moveTo(WIDTH / 2, y)
    brush.arc(WIDTH / 2, y, 1000, (ray * Math.PI) / 12, (ray * Math.PI) / 12 + 0.13)
    brush.fill()
  }
  brush.strokeStyle = '#f0b64c'
  brush.lineWidth = 4
  brush.strokeRect(22, 22, WIDTH - 44, HEIGHT - 44)
  brush.lineWidth = 1.5
  brush.strokeRect(32, 32, WIDTH - 64, HEIGHT - 64)
}

export interface Type {
  size: number
  weight: number
  /** pixels at most */
  most: number
  align?: CanvasTextAlign
}

/** One line at (x, y), smaller where it would not fit. */
export function fitted(brush: CanvasRenderingContext2D, text: string, x: number, y: number, { size, weight, most, align = 'center' }: Type): void {
  brush.textAlign = align
  brush.font = `${weight} ${size}px ${FONT}`
  const { width } = brush.measureText(text)
  if (width > most) brush.font = `${weight} ${Math.floor((size * most) / width)}px ${FONT}`
  brush.fillText(text, x, y)
}

/** The code of `url` in a golden frame, at most `most` wide; `left` null: in the middle. The y of its lower edge. */
export function code(brush: CanvasRenderingContext2D, url: string, left: number | null, top: number, most: number): number {
  const rows = modules(url)
  const cell = Math.floor(most / (rows.length + 4))
  const side = cell * (rows.length + 4)
  const x0 = left ?? Math.round((WIDTH - side) / 2)
  brush.fillStyle = '#f0b64c'
  brush.fillRect(x0 - 8, top - 8, side + 16, side + 16)
  brush.fillStyle = '#ffffff'
  brush.fillRect(x0, top, side, side)
  brush.fillStyle = '#2b060c'
  for (const [y, row] of rows.entries())
    for (const [x, dark] of row.entries()) if (dark) brush.fillRect(x0 + (x + 2) * cell, top + (y + 2) * cell, cell, cell)
  return top + side
}
