import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, createAgent } from '@weir/adapters/agent/agent.js'
import { systemClock } from '@weir/adapters/agent/clock.js'
import { expect } from 'chai'
import { runWeir } from './run.js'

const node = (name: string, address: string) => `
apiVersion: v1
kind: Node
metadata: { name: ${name}, labels: { node: ${name} } }
status: { addresses: [{ type: InternalIP, address: ${address} }] }
`
const bot = `
apiVersion: v1
kind: Pod
metadata: { name: bot, labels: { org: empire } }
spec: { nodeName: n1, containers: [{ name: bot }] }
`
const policy = (name: string, gateway: string, cidr: string, more = '') => `
apiVersion: cilium.io/v2
kind: CiliumEgressGatewayPolicy
metadata: { name: ${name} }
spec:
  selectors: [{ podSelector: { matchLabels: { org: empire, io.kubernetes.pod.namespace: default } } }]
  destinationCIDRs: [${cidr}]
  ${more}
  egressGateway:
    nodeSelector: { matchLabels: { node: ${gateway} } }
    egressIP: 192.168.60.100
`

describe('weir get egress', function () {
  this.timeout(30_000)
  const folder = mkdtempSync(join(tmpdir(), 'weir-egress-'))
  const socket = join(folder, 'agent.sock')
  let agent: Agent

  before(async () => {
    mkdirSync(join(folder, 'followed'))
    const objects = [
      node('n1', '192.0.2.1'),
      node('n2', '192.0.2.2'),
      bot,
      policy('here', 'n1', '198.51.100.0/24'),
      policy('there', 'n2', '203.0.113.0/24', 'excludedCIDRs: [203.0.113.128/25]'),
      policy('nowhere', 'n3', '192.168.0.0/16'),
    ]
    writeFileSync(join(folder, 'followed/all.yaml'), objects.join('---'))
    agent = await createAgent({
      stateFolder: join(folder, 'state'),
      socketPath: socket,
      node: 'n1',
      backend: 'memory',
      clock: systemClock,
      manifests: join(folder, 'followed'),
      podCidrs: ['10.1.0.0/24'],
    })
    await agent.ready
  })
  after(async () => {
    await agent.stop()
    rmSync(folder, { recursive: true })
  })

  it('tells of each pod’s destinations where they leave and with which address', async () => {
    const { code, out } = await runWeir(['get', 'egress', '--socket', socket])
    expect(code).to.equal(0)
    expect(out.map(line => line.trim().split(/ {3,}/))).to.deep.equal([
      ['SOURCE', 'DESTINATION', 'EGRESS-IP', 'GATEWAY-IP', 'GATEWAY', 'WHAT', 'POLICY', 'POD'],
      ['10.1.0.2', '192.168.0.0/16', '-', '-', '-', 'dropped: no gateway', 'nowhere', 'default/bot'],
      ['10.1.0.2', '198.51.100.0/24', '192.168.60.100', '-', 'n1', 'leaves here', 'here', 'default/bot'],
      ['10.1.0.2', '203.0.113.0/24', '-', '192.0.2.2', 'n2', 'goes to the gateway', 'there', 'default/bot'],
      ['10.1.0.2', '203.0.113.128/25', '-', '-', '-', 'as if there were no policy', '-', 'default/bot'],
    ])
  })
  it('is summed up by weir status, with what has no gateway as a trouble', async () => {
    const { out } = await runWeir(['status', '--socket', socket])
    expect(out[0]).to.include('1 rule of egress gateway policies has no gateway: weir get egress')
    expect(out.find(line => line.includes('egress gateways'))?.trim()).to.equal(
      'egress gateways: 1 rule to other nodes, 1 here, 1 drops',
    )
    expect(out.find(line => line.startsWith('Ways out'))).to.include('leaves under pods’ addresses')
  })
  it('names the events that brought the policy and its gateway', async () => {
    const { out } = await runWeir(['get', 'egress', '--socket', socket, '-o', 'json'])
    const rows = JSON.parse(out[0]!) as { policy: string; causes: number[] }[]
    const { egressGateways, nodes } = agent.engine.state
    expect(rows.find(({ policy }) => policy === 'there')?.causes).to.deep.equal(
      [nodes.get('n2')!.seq, egressGateways.get('there')!.seq].sort((a, b) => a - b),
    )
  })
})
