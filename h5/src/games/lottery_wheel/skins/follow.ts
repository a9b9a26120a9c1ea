import { watch } from 'vue'
import { reduced } from '../../../shell/motion'
import type { Face } from '../faces'
import type { WheelModel } from '../model'

const LEAST_MS = 650 // a quick answer still lets it turn

/** What every skin is given: the one model, and the prizes as they are shown. */
export interface SkinProps {
  model: WheelModel
  faces: Face[]
}

/** What a skin does as the model goes on; `land` resolves when its result can be seen. */
export interface Moves {
  begin: () => void
  land: (prize: string) => Promise<void>
  undo: () => void
  rest?: () => void
}

/** Resolves after so many ms, at once for those who asked for less motion. */
export function beat(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, reduced() ? 0 : ms))
}

/** Lets a skin follow the model: start at once, rest on the answer, back if it was refused. */
export function follow(model: WheelModel, moves: Moves): void {
  let began = 0
  watch(
    model.phase,
    async (phase, before) => {
      if (phase === 'waiting') {
        began = performance.now()
        moves.begin()
      } else if (phase === 'landing') {
        await beat(LEAST_MS - (performance.now() - began))
        await moves.land(model.target.value)
        model.landed()
      } else if (phase === 'idle' && before === 'waiting') moves.undo()
      else if (phase === 'idle') moves.rest?.()
    },
    { flush: 'sync' },
  )
}
