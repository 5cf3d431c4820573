import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { wirePacker } from '../../../lib/codec/msgpack.js';
import { FRAME_TYPE } from '../../../lib/transport/tcp/frame.js';
import { Link } from '../../../lib/transport/tcp/link.js';
import { tcpSettings } from '../../../lib/transport/tcp/options.js';
import { Outbox } from '../../../lib/transport/tcp/outbox.js';
import { frame } from './raw-peer.js';

/** A link on a socket whose peer reads only when told. */
function open(): { link: Link; socket: Duplex; sent: Buffer[]; read: () => void } {
  const sent: Buffer[] = [];
  let taken: () => void = () => undefined;
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      sent.push(chunk);
      taken = done;
    },
  });
  const settings = tcpSettings({ listen: '127.0.0.1:0' });
  const owner = { received: () => undefined, mayHold: () => true, rejected: () => undefined, closed: () => undefined };
  const link = new Link('peer', socket as unknown as Socket, new Outbox(settings.maxQueueBytes, settings.maxSocketBytes), wirePacker(), settings, owner);
  return { link, socket, sent, read: () => { taken(); } };
}

const ping = frame(new Uint8Array(), 0, FRAME_TYPE.ping);
const pong = frame(new Uint8Array(), 0, FRAME_TYPE.pong);

describe('Link', () => {
  it('answers a ping', () => {
    const { link, sent, read } = open();
    link.open(ping);
    read();
    expect(sent).toEqual([pong]);
  });

  it('lets no pongs pile up for who pings and never reads, and answers again once it does', () => {
    const { link, socket, sent, read } = open();
    link.open(Buffer.concat(Array.from({ length: 100_000 }, () => ping)));
    expect(socket.writableLength).toBe(pong.length);
    read();
    expect(sent).toEqual([pong]);
    socket.emit('data', ping);
    expect(sent).toEqual([pong, pong]);
  });
});
