import type { Plugin } from 'vite'

const PAGES: [RegExp, string][] = [
  [/^\/$/, 'index.html'],
  [/^\/play\/[^/]+$/, 'play.html'],
  [/^\/screen\/[^/]+$/, 'screen.html'],
]

/** Serves the pages of `npm run dev` under the addresses the game server gives them. */
export function routes(): Plugin {
  return {
    name: 'routes',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const [path = '/', query] = (request.url ?? '/').split('?')
        const page = PAGES.find(([pattern]) => pattern.test(path))?.[1]
        if (page) request.url = `/static/h5/${page}${query === undefined ? '' : `?${query}`}`
        next()
      })
    },
  }
}
