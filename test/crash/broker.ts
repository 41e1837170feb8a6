/** A broker with one armed crash point: `node broker.ts CONFIG POINT N` kills itself with SIGKILL at the N-th pass of POINT. The program itself has no such setting. With SINCE its
 *  clock runs fast from that moment on: an hour's waiting is over in seconds, and every run of it tells the same time. */
import process from 'node:process'
import '../../src/plugin-name.ts'
import { fastClock } from './fast-clock.ts'

const [config, point, pass = '1', since] = process.argv.slice(2)
const { serverCommand } = await import('../../src/server.ts')
let left = Number(pass)

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
