import { expect } from 'chai'
import { devicesIn, interfacesIn, watchDevicesIn } from 'netns-napi'
import { ip, makePair, namespacesMissing, type Pair } from './veth.js'

const missing = namespacesMissing()

describe(`devices and their network${missing === undefined ? '' : ` (${missing})`}`, () => {
  let pair: Pair

  before(function () {
    if (missing !== undefined) this.skip()
    pair = makePair('network')
  })
  after(() => pair?.remove())

  it('have addresses of both families', () => {
    const { far } = pair
    const [lo, device] = devicesIn(far.path)
    expect(lo).to.deep.include({ name: 'lo', loopback: true, addresses: ['127.0.0.1', '::1'], defaultRoute: false })
    expect(device).to.deep.include({ name: far.device, loopback: false, defaultRoute: false })
    expect(device!.addresses).to.have.members([far.ipv4, far.ipv6, far.linkLocal])
  })

  it('have those under a label too', () => {
    const { far } = pair
    ip('-n', far.name, 'addr', 'add', '10.99.0.1/32', 'dev', far.device, 'label', `${far.device}:1`)
    try {
      expect(devicesIn(far.path).map(({ name }) => name)).to.deep.equal(['lo', far.device])
      expect(devicesIn(far.path).map(({ mtu }) => mtu)).to.deep.equal(interfacesIn(far.path).map(({ mtu }) => mtu))
      expect(devicesIn(far.path)[1]!.addresses).to.include('10.99.0.1')
    } finally {
      ip('-n', far.name, 'addr', 'del', '10.99.0.1/32', 'dev', far.device)
    }
  })

  for (const [family, gateway] of [
    ['-4', '10.77.0.1'],
    ['-6', 'fd77::1'],
  ] as const)
    it(`lead a default route of IPv${family[1]}`, () => {
      const { far } = pair
      ip('-n', far.name, family, 'route', 'add', 'default', 'via', gateway, 'dev', far.device)
      try {
        expect(devicesIn(far.path).map(({ defaultRoute }) => defaultRoute)).to.deep.equal([false, true])
      } finally {
        ip('-n', far.name, family, 'route', 'del', 'default')
      }
      expect(devicesIn(far.path).map(({ defaultRoute }) => defaultRoute)).to.deep.equal([false, false])
    })

  it('are watched: links, addresses and routes, until the watch is closed', async () => {
    const { far } = pair
    let heard = 0
    const watch = watchDevicesIn(far.path, () => heard++)
    const hears = async (...words: string[]): Promise<boolean> => {
      const before = heard
      ip('-n', far.name, ...words)
      for (let waited = 0; waited < 100 && heard === before; waited++) await pause(10)
      return heard > before
    }
    try {
      expect(await hears('addr', 'add', '10.98.0.1/32', 'dev', 'lo')).to.equal(true)
      expect(await hears('route', 'add', '10.97.0.0/16', 'dev', far.device)).to.equal(true)
      expect(await hears('link', 'add', 'weirv9', 'type', 'veth', 'peer', 'name', 'weirv8')).to.equal(true)
      await pause(50)
    } finally {
      watch.close()
      watch.close()
    }
    await pause(50)
    const before = heard
    ip('-n', far.name, 'link', 'del', 'weirv9')
    await pause(100)
    expect(heard).to.equal(before)
  })
})

const pause = (delayMs: number): Promise<void> => new Promise(resolve => setTimeout(resolve, delayMs))
