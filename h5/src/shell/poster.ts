import { coin, ingot } from './art/gold'
import { lantern } from './art/lantern'
import { openPacket } from './art/packet'
import { shades } from './colour'
import { picture } from './picture'
import { background, brushOf, canvas, code, fitted, FONT, HEIGHT, WIDTH } from './posterParts'
import type { Skin } from './wire'

const MIDDLE = WIDTH / 2

export interface PosterLines {
  invite: string
  title: string
  boast: string
  organiser: string
  scan: string
}

/** An invitation as a PNG data URL. */
export async function poster(lines: PosterLines, url: string, skin: Skin): Promise<string> {
  const sheet = canvas()
  const brush = brushOf(sheet)
  background(brush, shades(skin.accent), 560)
  await decorate(brush)
  words(brush, lines)
  const below = code(brush, url, null, 820, 220)
  brush.fillStyle = '#fff3dc'
  fitted(brush, lines.scan, MIDDLE, below + 40, { size: 30, weight: 600, most: 600 })
  if (lines.organiser) fitted(brush, lines.organiser, MIDDLE, HEIGHT - 48, { size: 22, weight: 400, most: 600 })
  return sheet.toDataURL('image/png')
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
  brush.fillStyle = '#fff3dc'
  fitted(brush, invite, MIDDLE, 128, { size: 32, weight: 500, most: 400 })
  const gold = brush.createLinearGradient(0, 180, 0, 290)
  gold.addColorStop(0, '#fffbe3')
  gold.addColorStop(0.5, '#ffdf86')
  gold.addColorStop(1, '#ffb93c')
  brush.fillStyle = gold
  fitted(brush, title, MIDDLE, 258, { size: 76, weight: 800, most: 640 })
  if (!boast) return
  brush.font = `700 34px ${FONT}`
  const width = Math.min(640, brush.measureText(boast).width + 70)
  brush.fillStyle = '#ffd678'
  pill(brush, (WIDTH - width) / 2, 322, width, 62)
  brush.fillStyle = '#74101a'
  fitted(brush, boast, MIDDLE, 354, { size: 34, weight: 700, most: 590 })
}

function pill(brush: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  const r = height / 2
  brush.beginPath()
  brush.arc(x + r, y + r, r, Math.PI / 2, (3 * Math.PI) / 2)
  brush.arc(x + width - r, y + r, r, (3 * Math.PI) / 2, Math.PI / 2)
  brush.fill()
}
