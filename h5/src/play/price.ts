import { computed, type Ref, ref, shallowRef, watch } from 'vue'
import { myPoints } from '../shell/api'
import { keep, kept } from '../shell/storage'
import type { Charge, ServerEvent, Welcome } from '../shell/wire'

export interface Wiring {
  /** While true the game has the whole page: a play goes on. */
  immersive: Readonly<Ref<boolean>>
  /** While true a result is on show. */
  holding: Readonly<Ref<boolean>>
  /** The member's points that no room holds. */
  available: () => Promise<number>
}

const fromServer = async (): Promise<number> => (await myPoints()).available

/** What plays cost the member in this room, and whether they agreed to pay. */
export class Price {
  readonly cost = ref(0) // 0: plays cost nothing here
  readonly charge = shallowRef<Charge>({ cost: 0, left: 0, free: 0 })
  /** The last play that was paid for; a new object each time. */
  readonly paid = shallowRef<Charge | null>(null)
  readonly asking = ref(false)
  private readonly available = ref<number | null>(null)
  /** What the member can still spend here. */
  readonly points = computed(() => (this.available.value === null ? null : this.available.value + this.charge.value.left))
  private room = ''
  private agreed = false
  private declined = false
  private inside = false // the game's page is here and says whether a play goes on

  constructor(private readonly wiring: Wiring) {
    watch([wiring.immersive, wiring.holding], () => this.offer())
  }

  heard(event: ServerEvent): void {
    if (event.ev === 'welcome') this.welcomed(event as Welcome)
    else if (event.ev === 'settled') void this.look()
    if (event.charge) this.charged(event.charge)
  }

  /** The game's page has come: from here on the member may be asked, unless it is in the middle of a play. */
  entered(): void {
    this.inside = true
    this.offer()
  }

  /** Whether a command that begins so many plays (0: it is part of one) may be sent; if not, the member is asked. */
  may(plays = 1): boolean {
    if (!this.costs(plays) || this.agreed) return true
    this.asking.value = true
    return false
  }

  agree(): void {
    this.agreed = true
    this.asking.value = false
    keep(this.key, 'yes')
  }

  /** Until the next tap that would cost. */
  decline(): void {
    this.declined = true
    this.asking.value = false
  }

  private costs(plays: number): boolean {
    const { free, extra = 0 } = this.charge.value
    return this.cost.value > 0 && free !== null && free + extra < plays
  }

  private get key(): string {
    return `pays.${this.room}`
  }

  private welcomed({ room, snapshot }: Welcome): void {
    this.cost.value = room.cost ?? 0
    this.room = room.id
    if (!snapshot.charge) return
    this.agreed = kept(this.key) === 'yes'
    this.charge.value = snapshot.charge
    this.offer()
    void this.look()
  }

  private charged(charge: Charge): void {
    const more = charge.left - (this.charge.value.left - charge.cost) // what the room took into its hands
    if (this.available.value !== null) this.available.value = Math.max(0, this.available.value - more)
    this.charge.value = charge
    if (charge.cost) this.paid.value = charge
    if (more) void this.look()
    this.offer()
  }

  /** Asks before it matters, but not in the middle of a play and not over its result. */
  private offer(): void {
    const { immersive, holding } = this.wiring
    const calm = this.inside && !immersive.value && !holding.value
    if (calm && this.costs(1) && !this.agreed && !this.declined) this.asking.value = true
  }

  private async look(): Promise<void> {
    if (!this.cost.value) return
    try {
      this.available.value = await this.wiring.available()
    } catch {
      // the figure stays as it was; the next play or welcome asks again
    }
  }
}

export function priceOf(immersive: Readonly<Ref<boolean>>, holding: Readonly<Ref<boolean>>): Price {
  return new Price({ immersive, holding, available: fromServer })
}
