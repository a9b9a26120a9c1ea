/**
 * Server time on the page's monotonic clock, which no change of the phone's date can move.
 * Like NTP it keeps the offset seen at the smallest round trip, because there the error is smallest.
 */
export class ServerClock {
  private offset = 0
  private best = Infinity

  constructor(private readonly local: () => number = () => performance.now()) {}

  /** A first guess, replaced by the first sample. */
  guess(server: number): void {
    this.offset = server - this.local()
    this.best = Infinity
  }

  /** One `time` ping: local send and receive moments, and the server's answer. */
  sample(sent: number, received: number, server: number): void {
    const trip = received - sent
    if (trip >= this.best) return
    this.best = trip
    this.offset = server + trip / 2 - received
  }

  now(): number {
    return this.local() + this.offset
  }

}
