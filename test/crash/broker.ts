/** A broker with one armed crash point: `node broker.ts CONFIG POINT N` kills itself with SIGKILL at the N-th pass of POINT. The program itself has no such setting. */
import process from 'node:process'
import '../../src/plugin-name.ts'

const [config, point, pass = '1'] = process.argv.slice(2)
const { serverCommand } = await import('../../src/server.ts')
let left = Number(pass)

process.exitCode = await serverCommand(
  { config: config! },
  {
    at: here => {
      if (here === point && --left <= 0) process.kill(process.pid, 'SIGKILL')
      return undefined
    }
  }
)
