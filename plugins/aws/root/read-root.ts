import { healthFields } from 'mayfly/plugin'
import type { Answer, MountReader } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { readRotation } from './pending-rotation.ts'
import { readRoot, targetOf } from './root-config.ts'

/** The fields of the wire, and beside them whose the key is and how it does. Asks nobody. */
export async function answerRoot(engine: Engine, storage: MountReader): Promise<Answer> {
  const root = await readRoot(storage)
  if (!root) return undefined
  const { config, version } = root
  const users = await engine.context.health(targetOf(engine, 'iam_user', config.version))
  const rotation = await readRotation(storage)
  return {
    data: {
      access_key: version.accessKey,
      region: config.region,
      iam_endpoint: config.iamEndpoint,
      sts_endpoint: config.stsEndpoint,
      max_retries: config.maxRetries,
      username_template: config.usernameTemplate,
      ...(config.callsPerSecond > 0 && { calls_per_second: config.callsPerSecond }),
      ...(version.account !== null && { account: version.account, arn: version.arn }),
      ...(rotation && { rotation: rotation.pending.stage }),
      health: healthFields(users)
    }
  }
}
