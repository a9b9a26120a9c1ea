import { shallowReactive } from 'vue'

interface GameCard {
  art: string
  name: () => string
}

// a card brings its game's texts: only those of the games on show are fetched
const cards = import.meta.glob<GameCard>('../games/*/card.ts')
const loaded = shallowReactive(new Map<string, GameCard>())
const asked = new Set<string>()

/** How the lobby shows a game; undefined until its card is here, and for a game without one. */
export function cardOf(game: string): GameCard | undefined {
  if (!asked.has(game)) {
    asked.add(game)
    // without its card a room is still there to enter
    void cards[`../games/${game}/card.ts`]?.().then((card) => loaded.set(game, card), () => asked.delete(game))
  }
  return loaded.get(game)
}
