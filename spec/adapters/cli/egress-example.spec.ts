import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { expect } from 'chai'

const example = fileURLToPath(new URL('../../../../examples/egress-gateway/', import.meta.url))

describe('examples/egress-gateway', () => {
  it('leads the pod to the gateway in both families, but for the hole, and names blocks that aren’t masqueraded', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-egress-example-'))
    const agent = await createAgent({
      stateFolder: folder,
      node: 'worker-1',
      backend: 'memory',
      clock: systemClock,
      masquerade: ['ipv4', 'ipv6'],
      manifests: join(example, 'manifests'),
      ipMasqConfig: join(example, 'ip-masq-agent.yaml'),
    })
    try {
      await agent.ready
      expect(agent.engine.state.refusals.size).to.equal(0)
      const rows = [...agent.engine.tables.egressRules].map(([, row]) => row)
      expect(rows.map(({ prefix, action, gatewayAddress }) => [prefix, action, gatewayAddress]).sort()).to.deep.equal([
        ['2001:db8:113::/48', 'steer', 'fd00:10::12'],
        ['203.0.113.0/24', 'steer', '192.168.10.12'],
        ['203.0.113.128/25', 'pass', ''],
      ])
      expect([...agent.engine.tables.nonMasquerade].map(([prefix]) => prefix)).to.include.members([
        '10.0.0.0/8',
        'fd00::/8',
      ])
    } finally {
      await agent.stop()
      rmSync(folder, { recursive: true })
    }
  })
})
