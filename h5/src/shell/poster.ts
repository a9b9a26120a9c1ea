import { coin, ingot } from './art/gold'
import { lantern } from './art/lantern'
import { openPacket } from './art/packet'
import { shades } from './colour'
import { picture } from './picture'
import { modules } from './qr'
import type { Skin } from './wire'

const WIDTH = 750
const HEIGHT = 1160
const FONT = 'system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif'

export interface PosterLines {
  invite: string
  title: string
  boast: string
  organiser: string
  scan: string
}

/** An invitation as a PNG data URL. */
export async function poster(lines: PosterLines, url: string, skin: Skin): Promise<string> {
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const brush = canvas.getContext('2d')
  if (!brush) throw new Error('no canvas')
  background(brush, shades(skin.accent))
  await decorate(brush)
  words(brush, lines)
  code(brush, url, lines)
  return canvas.toDataURL('image/png')
}

function background(brush: CanvasRenderingContext2D, shade: Record<string, string>): void {
  const glow = brush.createRadialGradient(WIDTH / 2, 560, 40, WIDTH / 2, 560, 820)
  glow.addColorStop(0, shade['--accent-bright']!)
  glow.addColorStop(0.5, shade['--accent']!)
  glow.addColorStop(1, shade['--accent-deep']!)
  brush.fillStyle = glow
  brush.fillRect(0, 0, WIDTH, HEIGHT)
  brush.fillStyle = 'rgba(255, 214, 140, 0.10)'
  for (let ray = 0; ray < 24; ray++) {
    brush.beginPath()
    brush.moveTo(WIDTH / 2, 560)
    brush.arc(WIDTH / 2, 560, 900, (ray * Math.PI) / 12, (ray * Math.PI) / 12 + 0.13)
    brush.fill()
  }
  brush.strokeStyle = '#f0b64c'
  brush.lineWidth = 4
  brush.strokeRect(22, 22, WIDTH - 44, HEIGHT - 44)
  brush.lineWidth = 1.5
  brush.strokeRect(32, 32, WIDTH - 64, HEIGHT - 64)
}

async function decorate(brush: CanvasRenderingContext2D): Promise<void> {
  const [lamp, opened, round, gold] = await Promise.all([lantern(), openPacket(), coin(), ingot()].map(picture))
  brush.drawImage(lamp!, 46, 20, 132, 217)
  brush.drawImage(lamp!, WIDTH - 178, 20, 132, 217)
  brush.drawImage(opened!, 210, 418, 330, 358)
  brush.drawImage(gold!, 126, 672, 170, 110)
  brush.drawImage(gold!, 470, 690, 150, 98)
  for (const [x, y, size] of [[132, 500, 64], [568, 452, 84], [90, 604, 46], [612, 600, 54], [296, 392, 44], [430, 376, 56]])
    brush.drawImage(round!, x!, y!, size!, size!)
}

function words(brush: CanvasRenderingContext2D, { invite, title, boast }: PosterLines): void {
  brush.textAlign = 'center'
  brush.textBaseline = 'middle'
  brush.fillStyle = '#fff3dc'
  fitted(brush, invite, 128, 32, 500, 400)
  const gold = brush.createLinearGradient(0, 180, 0, 290)
  gold.addColorStop(0, '#fffbe3')
  gold.addColorStop(0.5, '#ffdf86')
  gold.addColorStop(1, '#ffb93c')
  brush.fillStyle = gold
  fitted(brush, title, 258, 76, 800, 640)
  if (!boast) return
  brush.font = `700 34px ${FONT}`
  const width = Math.min(640, brush.measureText(boast).width + 70)
  brush.fillStyle = '#ffd678'
  pill(brush, (WIDTH - width) / 2, 322, width, 62)
  brush.fillStyle = '#74101a'
  fitted(brush, boast, 354, 34, 700, 590)
}

/** One centred line, smaller where it would not fit. */
function fitted(brush: CanvasRenderingContext2D, text: string, y: number, size: number, weight: number, most: number): void {
  brush.font = `${weight} ${size}px ${FONT}`
  const width = brush.measureText(text).width
  if (width > most) brush.font = `${weight} ${Math.floor((size * most) / width)}px ${FONT}`
  brush.fillText(text, WIDTH / 2, y)
}

function pill(brush: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  const r = height / 2
  brush.beginPath()
  brush.arc(x + r, y + r, r, Math.PI / 2, (3 * Math.PI) / 2)
  brush.arc(x + width - r, y + r, r, (3 * Math.PI) / 2, Math.PI / 2)
  brush.fill()
}

function code(brush: CanvasRenderingContext2D, url: string, { scan, organiser }: PosterLines): void {
  const rows = modules(url)
  const cell = Math.floor(220 / (rows.length + 4))
  const side = cell * (rows.length + 4)
  const left = Math.round((WIDTH - side) / 2)
  const top = 820
  brush.fillStyle = '#f0b64c'
  brush.fillRect(left - 8, top - 8, side + 16, side + 16)
  brush.fillStyle = '#ffffff'
  brush.fillRect(left, top, side, side)
  brush.fillStyle = '#2b060c'
  for (const [y, row] of rows.entries())
    for (const [x, dark] of row.entries())
      if (dark) brush.fillRect(left + (x + 2) * cell, top + (y + 2) * cell, cell, cell)
  brush.fillStyle = '#fff3dc'
  fitted(brush, scan, top + side + 40, 30, 600, 600)
  if (organiser) fitted(brush, organiser, HEIGHT - 48, 22, 400, 600)
}
