"""Jobs: durable tasks with leases, fencing tokens and progress, schedules, and who leads. Never holds a personal value: payloads are ids.

Never knows what a job does: handlers are handed in by the composition root. Read `model.py`, then `service.py`, `runner.py`.
"""
