import express from 'express'
import type { Express } from 'express'
import { redirect, writeErrors } from './wire.ts'

/** What is not the API: the page (`/ui/`), and 404. Express routes here, where a lenient reading of a path gives nothing away. */
export function shell(): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.get(['/', '/ui'], (_request, response) => redirect(response, '/ui/'))
  app.use((_request, response) => writeErrors(response, 404, []))
  // Express would answer with a page of HTML and the error in it.
  app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) =>
    writeErrors(response, 400, ['malformed request target'])
  )
  return app
}
