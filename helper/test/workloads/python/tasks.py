"""
Tasks of asyncio that work 60, 30 and 10 % of the time, each in turns of the event loop. The first two have the numbers that asyncio
gives, the last one a name.
"""
import asyncio

UNIT = 2000


def burn(units):
    total = 0
    for i in range(units * UNIT):
        total = (total * 31 + i) % 65537
    return total


async def worker(units):
    while True:
        burn(units)
        await asyncio.sleep(0)


async def main():
    print("ready", flush=True)
    await asyncio.gather(
        asyncio.create_task(worker(6)),
        asyncio.create_task(worker(3)),
        asyncio.create_task(worker(1), name="préparer"),
    )


asyncio.run(main())
