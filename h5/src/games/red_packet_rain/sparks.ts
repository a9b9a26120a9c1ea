import { reduced } from '../../shell/motion'

const LIFE_MS = 620
const WORD_MS = 900
const GRAVITY = 900 // px/s²

interface Spark {
  x: number
  y: number
  dx: number
  dy: number
  size: number
  colour: string
  born: number
}

interface Word {
  x: number
  y: number
  text: string
  big: boolean
  fill: string
  born: number
}

const GOLD = ['#fff3b8', '#ffd65c', '#ffb428', '#ff7a45']
const SMOKE = ['#14182b', '#3c4463', '#ff6a2b', '#ffd23c']

/** What flies off a tapped drop: sparks and words. Without motion only the words, at rest. */
export class Sparks {
  private sparks: Spark[] = []
  private words: Word[] = []

  burst(x: number, y: number, now: number, bomb: boolean): void {
    if (reduced()) return
    const colours = bomb ? SMOKE : GOLD
    const many = bomb ? 26 : 14
    for (let i = 0; i < many; i++) {
      const angle = (i / many) * 2 * Math.PI + Math.random() * 0.5
      const speed = (bomb ? 190 : 130) + Math.random() * 190
      const [dx, dy] = [Math.cos(angle) * speed, Math.sin(angle) * speed - 110]
      const size = (bomb ? 6 : 3.5) + Math.random() * 4
      this.sparks.push({ x, y, dx, dy, size, colour: colours[i % colours.length]!, born: now })
    }
  }

  say(x: number, y: number, now: number, text: string, big: boolean, fill: string): void {
    this.words.push({ x, y, text, big, fill, born: now })
  }

  draw(brush: CanvasRenderingContext2D, now: number, width: number): void {
    this.sparks = this.sparks.filter((spark) => now - spark.born < LIFE_MS)
    this.words = this.words.filter((word) => now - word.born < WORD_MS)
    for (const spark of this.sparks) this.drawSpark(brush, spark, now)
    brush.textAlign = 'center'
    brush.textBaseline = 'middle'
    brush.lineJoin = 'round'
    for (const word of this.words) this.drawWord(brush, word, now, width)
    brush.globalAlpha = 1
  }

  private drawSpark(brush: CanvasRenderingContext2D, spark: Spark, now: number): void {
    const t = (now - spark.born) / 1000
    brush.globalAlpha = Math.max(0, 1 - (t * 1000) / LIFE_MS)
    brush.fillStyle = spark.colour
    brush.beginPath()
    brush.arc(spark.x + spark.dx * t, spark.y + spark.dy * t + (GRAVITY * t * t) / 2, spark.size, 0, 7)
    brush.fill()
  }

  private drawWord(brush: CanvasRenderingContext2D, word: Word, now: number, width: number): void {
    const part = (now - word.born) / WORD_MS
    const rise = reduced() ? 0 : 58 * (1 - (1 - part) ** 3)
    const x = Math.min(Math.max(word.x, 60), width - 60)
    brush.globalAlpha = part < 0.65 ? 1 : (1 - part) / 0.35
    brush.font = `800 ${word.big ? 32 : 20}px system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif`
    brush.strokeStyle = '#4c0410'
    brush.lineWidth = word.big ? 7 : 5
    brush.strokeText(word.text, x, word.y - rise)
    brush.fillStyle = word.fill
    brush.fillText(word.text, x, word.y - rise)
  }
}
