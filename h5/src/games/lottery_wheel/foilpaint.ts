const SHARPEST = 2.5

/** Paints a whole foil, silver and gold with coins, over the canvas's own box. */
export function paintFoil(canvas: HTMLCanvasElement, words: string): CanvasRenderingContext2D | null {
  const scale = Math.min(devicePixelRatio, SHARPEST)
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)]
  canvas.width = width
  canvas.height = height
  const brush = canvas.getContext('2d')
  if (!brush) return null
  const metal = brush.createLinearGradient(0, 0, width, height)
  for (const [at, colour] of [[0, '#e9dcc3'], [0.25, '#c9b184'], [0.45, '#f6ecd2'], [0.6, '#cdb78d'], [0.8, '#efe2c4'], [1, '#bda16c']] as const)
    metal.addColorStop(at, colour)
  brush.fillStyle = metal
  brush.fillRect(0, 0, width, height)
  coins(brush, width, height)
  brush.font = `900 ${width * 0.105}px system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif`
  brush.textAlign = 'center'
  brush.textBaseline = 'middle'
  brush.lineJoin = 'round'
  brush.lineWidth = width * 0.022
  brush.strokeStyle = '#fff8e6'
  brush.strokeText(words, width / 2, height / 2)
  brush.fillStyle = '#7c4f12'
  brush.fillText(words, width / 2, height / 2)
  return brush
}

function coins(brush: CanvasRenderingContext2D, width: number, height: number): void {
  const step = width / 7
  brush.strokeStyle = 'rgba(124, 79, 18, 0.22)'
  brush.lineWidth = width * 0.006
  for (let row = 0; row * step * 0.8 < height + step; row++)
    for (let column = 0; column < 9; column++) {
      const [x, y] = [(column - (row % 2) / 2) * step, row * step * 0.8]
      const hole = step * 0.13
      brush.beginPath()
      brush.arc(x, y, step * 0.3, 0, 2 * Math.PI)
      brush.rect(x - hole, y - hole, 2 * hole, 2 * hole)
      brush.stroke()
    }
}
