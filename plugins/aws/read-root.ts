import type { Answer, JsonObject, MountReader, TargetHealth } from 'mayfly/plugin'
import type { Engine } from './engine.ts'
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
      health: shownHealth(users)
    }
  }
}

function shownHealth(health: TargetHealth): JsonObject {
  const { state, failures, failingSince, retryAt, lastError, lastErrorAt, lastAnswerAt, latencyMs } = health
  return {
    state,
    // Open: nothing is issued there before `retry_at`.
    circuit: failures > 0 ? 'open' : 'closed',
    failures,
    ...shownTime('failing_since', failingSince),
    ...shownTime('retry_at', retryAt),
    ...(lastError !== undefined && { last_error: lastError }),
    ...shownTime('last_error_at', lastErrorAt),
    ...shownTime('last_answer_at', lastAnswerAt),
    ...(latencyMs !== undefined && { latency_ms: Math.round(latencyMs * 10) / 10 })
  }
}

const shownTime = (name: string, instant: Temporal.Instant | undefined): JsonObject =>
  instant ? { [name]: instant.toString({ smallestUnit: 'second' }) } : {}
