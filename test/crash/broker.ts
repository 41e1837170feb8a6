/** A broker with one armed crash point: `node broker.ts CONFIG POINT N` kills itself with SIGKILL at the N-th pass of POINT. The program itself has no such setting. With SINCE its
 *  clock runs fast from that moment on: an hour's waiting is over in seconds, and every run of it tells the same time. */
import { Socket } from 'node:net'
import process from 'node:process'
import '../../src/plugin-name.ts'
import { fastClock } from './fast-clock.ts'

const [config, point, pass = '1', since] = process.argv.slice(2)
const { serverCommand } = await import('../../src/server.ts')
let left = Number(pass)

// A test that runs out of time is ended without a word: its pipe closes, and no broker stays behind. Where there is no pipe nobody is watched.
if (process.stdin instanceof Socket) {
  process.stdin.once('close', () => process.kill(process.pid, 'SIGKILL')).resume()
  process.stdin.unref()
}

process.exitCode = await serverCommand(
  { config: config! },
  {
    at: here => {
      if (here === point && --left <= 0) process.kill(process.pid, 'SIGKILL')
      return undefined
    },
    ...(since === undefined ? {} : { clock: fastClock(Number(since)) })
  }
)
