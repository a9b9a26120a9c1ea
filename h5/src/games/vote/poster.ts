import { shades } from '../../shell/colour'
import { modules } from '../../shell/qr'
import type { Skin } from '../../shell/wire'

/** A contestant's poster: picture, number, name, what they say, and the code that opens their page. */
export interface ContestantLines {
  title: string
  organiser: string
  call: string
  scan: string
  number: string
  name: string
  text: string
}

const WIDTH = 750
const HEIGHT = 1160
const FONT = 'system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif'
const FRAME = { x: 115, y: 138, w: 520, h: 520 }

export async function contestantPoster(lines: ContestantLines, url: string, skin: Skin, cover: string | null): Promise<string> {
  const photo = cover ? await image(cover).catch(() => null) : null // without it the poster has a letter
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const brush = canvas.getContext('2d')
  if (!brush) throw new Error('no canvas')
  const shade = shades(skin.accent)
  background(brush, shade)
  portrait(brush, photo, lines.name, shade)
  words(brush, lines)
  code(brush, url)
  return canvas.toDataURL('image/png')
}

function image(src: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const loading = new Image()
    loading.crossOrigin = 'anonymous' // a picture that may not be read would spoil the canvas
    loading.onload = () => resolve(loading)
    loading.onerror = () => reject(new Error('the picture cannot be read'))
    loading.src = src
  })
}

function background(brush: CanvasRenderingContext2D, shade: Record<string, string>): void {
  const glow = brush.createRadialGradient(WIDTH / 2, 400, 40, WIDTH / 2, 400, 900)
  glow.addColorStop(0, shade['--accent-bright']!)
  glow.addColorStop(0.5, shade['--accent']!)
  glow.addColorStop(1, shade['--accent-deep']!)
  brush.fillStyle = glow
  brush.fillRect(0, 0, WIDTH, HEIGHT)
  brush.fillStyle = 'rgba(255, 214, 140, 0.1)'
  for (let ray = 0; ray < 24; ray++) {
    brush.beginPath()
    brush.moveTo(WIDTH / 2, 400)
    brush.arc(WIDTH / 2, 400, 1000, (ray * Math.PI) / 12, (ray * Math.PI) / 12 + 0.13)
    brush.fill()
  }
  brush.strokeStyle = '#f0b64c'
  brush.lineWidth = 4
  brush.strokeRect(22, 22, WIDTH - 44, HEIGHT - 44)
}

function portrait(brush: CanvasRenderingContext2D, photo: HTMLImageElement | null, name: string, shade: Record<string, string>): void {
  const { x, y, w, h } = FRAME
  brush.fillStyle = '#f0b64c'
  brush.fillRect(x - 10, y - 10, w + 20, h + 20)
  if (photo) {
    const part = Math.min(photo.width / w, photo.height / h)
    brush.drawImage(photo, (photo.width - w * part) / 2, (photo.height - h * part) / 2, w * part, h * part, x, y, w, h)
    return
  }
  brush.fillStyle = shade['--accent-night']!
  brush.fillRect(x, y, w, h)
  brush.textAlign = 'center'
  brush.textBaseline = 'middle'
  brush.fillStyle = '#ffdf86'
  brush.font = `800 260px ${FONT}`
  brush.fillText([...name][0] ?? '', x + w / 2, y + h / 2)
}

function words(brush: CanvasRenderingContext2D, { title, organiser, call, scan, number, name, text }: ContestantLines): void {
  brush.textAlign = 'center'
  brush.textBaseline = 'middle'
  brush.fillStyle = '#ffdf86'
  fitted(brush, title, WIDTH / 2, 82, 46, 800, 640)
  brush.fillStyle = '#ffd678'
  brush.fillRect(FRAME.x, FRAME.y, 150, 56)
  brush.fillStyle = '#74101a'
  fitted(brush, number, FRAME.x + 75, FRAME.y + 29, 32, 800, 136)
  brush.fillStyle = '#fff3dc'
  fitted(brush, name, WIDTH / 2, 724, 60, 800, 640)
  if (text) fitted(brush, text.split('\n')[0]!, WIDTH / 2, 788, 28, 400, 620, true)
  brush.textAlign = 'left'
  brush.fillStyle = '#ffdf86'
  fitted(brush, call, 320, 922, 44, 800, 380)
  brush.fillStyle = '#fff3dc'
  fitted(brush, scan, 320, 986, 28, 500, 380)
  if (organiser) fitted(brush, organiser, 320, 1038, 22, 400, 380)
}

/** One line, smaller where it would not fit; `cut` shortens it instead. */
function fitted(brush: CanvasRenderingContext2D, text: string, x: number, y: number, size: number, weight: number, most: number, cut = false): void {
  brush.font = `${weight} ${size}px ${FONT}`
  const signs = [...text]
  if (cut) while (signs.length > 1 && brush.measureText(`${signs.join('')}…`).width > most) signs.pop()
  const shown = signs.length < [...text].length ? `${signs.join('')}…` : text
  const { width } = brush.measureText(shown)
  if (width > most) brush.font = `${weight} ${Math.floor((size * most) / width)}px ${FONT}`
  brush.fillText(shown, x, y)
}

function code(brush: CanvasRenderingContext2D, url: string): void {
  const rows = modules(url)
  const cell = Math.floor(210 / (rows.length + 4))
  const side = cell * (rows.length + 4)
  const [left, top] = [74, 870]
  brush.fillStyle = '#f0b64c'
  brush.fillRect(left - 8, top - 8, side + 16, side + 16)
  brush.fillStyle = '#ffffff'
  brush.fillRect(left, top, side, side)
  brush.fillStyle = '#2b060c'
  for (const [y, row] of rows.entries())
    for (const [x, dark] of row.entries()) if (dark) brush.fillRect(left + (x + 2) * cell, top + (y + 2) * cell, cell, cell)
}
