"""Agents that recommend through tools: roles, teams, tasks, typed answers, evaluation."""
