import { reduced } from './motion'

const COLOURS = ['#ffd65c', '#ff4d4f', '#fff3c4', '#fa8c16', '#ff9fb0']
const PIECES = 110
const LIFE_MS = 2600

/** Paper and gold from both lower corners, once. Nothing for those who asked for less motion. */
export function confetti(canvas: HTMLCanvasElement): void {
  const brush = canvas.getContext('2d')
  if (!brush || reduced()) return
  const width = (canvas.width = canvas.clientWidth)
  const height = (canvas.height = canvas.clientHeight)
  const pieces = Array.from({ length: PIECES }, (_, i) => {
    const side = i % 2
    const angle = -Math.PI / 2 + (side ? -1 : 1) * (0.15 + Math.random() * 0.6)
    const speed = height * (0.75 + Math.random() * 0.75)
    return {
      x: side * width, dx: Math.cos(angle) * speed * 0.7, dy: Math.sin(angle) * speed,
      spin: Math.random() * 12 - 6, size: 5 + Math.random() * 7, colour: COLOURS[i % COLOURS.length]!,
    }
  })
  const start = performance.now()
  const frame = (at: number): void => {
    const t = (at - start) / 1000
    brush.clearRect(0, 0, width, height)
    if (at - start > LIFE_MS || !canvas.isConnected) return
    brush.globalAlpha = Math.min(1, (LIFE_MS - (at - start)) / 600)
    for (const piece of pieces) {
      const y = height * 0.92 + piece.dy * t + height * 0.95 * t * t
      brush.setTransform(Math.cos(piece.spin * t), Math.sin(piece.spin * t), 0, 1, piece.x + piece.dx * t, y)
      brush.fillStyle = piece.colour
      brush.fillRect(-piece.size / 2, -piece.size / 2, piece.size, piece.size * 0.6)
    }
    brush.setTransform(1, 0, 0, 1, 0, 0)
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
}
